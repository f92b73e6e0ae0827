"""Use cases between the parts and the surfaces: the API, the pages and the commands all call these. I/O."""
