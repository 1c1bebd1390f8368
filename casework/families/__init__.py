"""Who a child is, who belongs to the household, and which team the family goes to."""
