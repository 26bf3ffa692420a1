"""The spot-check plan 双随机抽查计划: whom to visit and by whom, drawn from a published seed (SAMR (8), HB 17)."""
