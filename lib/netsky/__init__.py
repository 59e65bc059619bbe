"""How well the users of each ISP in each province reach this data centre, through each exit."""

__version__ = "0.1.0"
