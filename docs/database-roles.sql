-- The roles of the service's database. The superuser runs it with psql; it may be run again, and on the database of an
-- earlier release, in which one role owned everything.
--
--   front_door_owner   owns the database and its tables, and migrates them
--   front_door         the service: reads and writes rows, owns nothing, and can switch no trigger off
--
-- Their passwords are in two files of the folder that SECRETS names, or of /run/secrets.
\set ON_ERROR_STOP on
\set owner_password `cat "${SECRETS:-/run/secrets}/database_owner_password"`
\set service_password `cat "${SECRETS:-/run/secrets}/database_password"`

SELECT format('CREATE ROLE %I', name) FROM unnest(ARRAY['front_door_owner', 'front_door']) AS name
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) \gexec
ALTER ROLE front_door_owner LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS
    PASSWORD :'owner_password';
ALTER ROLE front_door LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS
    PASSWORD :'service_password';

SELECT 'CREATE DATABASE front_door' WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'front_door') \gexec
ALTER DATABASE front_door OWNER TO front_door_owner;
REVOKE ALL ON DATABASE front_door FROM PUBLIC;
GRANT CONNECT, TEMPORARY ON DATABASE front_door TO front_door;

\connect front_door
REASSIGN OWNED BY front_door TO front_door_owner;
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT ALL ON SCHEMA public TO front_door_owner;
GRANT USAGE ON SCHEMA public TO front_door;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO front_door;
GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO front_door;
-- What later migrations make.
ALTER DEFAULT PRIVILEGES FOR ROLE front_door_owner IN SCHEMA public
    GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO front_door;
ALTER DEFAULT PRIVILEGES FOR ROLE front_door_owner IN SCHEMA public GRANT USAGE, SELECT ON SEQUENCES TO front_door;
