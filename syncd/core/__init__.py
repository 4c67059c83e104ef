"""Deciding and planning, as functions of values: no clock, network, database, logging or environment here."""
