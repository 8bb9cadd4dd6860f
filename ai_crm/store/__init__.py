"""Where tasks are kept: in the item's own card, in a database, or in memory. One contract suite tries them all."""
