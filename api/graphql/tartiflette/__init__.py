"""The only package that imports Tartiflette."""
