"""Posts about the company that opened no ticket, and what agents say of posts."""
