"""Files of other tools become recordings: HAR, Postman, curl, Insomnia, Bruno, Hurl, .http, bundles. Pure."""
