"""Plays the scenarios of interop/vectors with `robot_client`; not for copying."""
