"""The tables of a company, read into the types of the contract, checked against one another, and graded."""
