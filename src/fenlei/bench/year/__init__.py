"""The year: twelve months of classify, plan, visit, return and learn, under four ways of choosing whom to visit."""
