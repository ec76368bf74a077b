"""Service levels: within what time customers are answered and their matters solved, and what
happens where that is at risk."""
