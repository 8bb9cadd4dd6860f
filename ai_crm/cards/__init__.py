"""Cards: one template for all platforms, four faces that show it, and the rules by which strangers' words stay words."""
