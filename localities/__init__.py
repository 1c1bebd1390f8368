"""Who and where: users, teams and agencies; localities, catchments and postcodes; working time."""
