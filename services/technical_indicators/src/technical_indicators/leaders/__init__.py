"""Indicators of another market of the group, its leader: each module here is one, found by itself.

Whatever they read of the leader is as of a base close that both markets have, the decision's own.
"""
