"""Linear ⇄ Issue, Action. Hand-written GraphQL over our own HTTP client; `documents` holds every document."""
