"""Companies that sign in their people (SAML 2.0): asking them, and believing nothing but what they have signed."""
