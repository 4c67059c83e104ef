"""The cycle (observe → decide → plan → apply) over one tracker, and who may run it when."""
