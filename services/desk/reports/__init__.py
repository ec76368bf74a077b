"""Reports: how much came, how soon it was answered and solved, and what was promised and kept."""
