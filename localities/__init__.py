"""Who, and where: people, teams and agencies; localities, catchments and postcodes; working time."""
