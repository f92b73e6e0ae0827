"""Files of other tools become recordings: HAR, Postman, curl, bundles. Pure."""
