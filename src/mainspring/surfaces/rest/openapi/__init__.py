"""The description of the API in OpenAPI 3.1: exactly what one caller may do, for tools and for the page at /docs."""
