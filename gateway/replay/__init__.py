"""What keeps a recorded chain alive: correlation, playback, replay, variants, differences. Pure: no I/O, no clock."""
