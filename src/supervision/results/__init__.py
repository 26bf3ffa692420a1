"""Results of visits: taken back as records with the arm and the probability of their draw (SAMR (6), (8))."""
