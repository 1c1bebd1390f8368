"""People, teams and places: users, teams and agencies; localities, catchments and postcodes; working time."""
