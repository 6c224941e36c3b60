"""The lab's money: balances, orders, and their settlement."""
