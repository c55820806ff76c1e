"""Who may do what where: accounts, their roles in zones, and what is remembered of them."""
