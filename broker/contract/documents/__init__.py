"""The contract as documents for programs: JSON Schema and AsyncAPI, derived from the table of kinds."""
