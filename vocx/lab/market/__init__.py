"""The lab's market: books and matching, the crowd, history, recordings, and what drives them."""
