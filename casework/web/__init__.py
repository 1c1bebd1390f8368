"""The pages of the front door and of the teams: forms, views and templates in the GOV.UK Design System."""
