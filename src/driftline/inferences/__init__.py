"""The tables of what models were asked, answered and should have answered: open ones, written exactly once."""
