"""A generated world whose truth is known.

:class:`World` draws customers with features, browsing sequences and free text, a menu of coupons of all five
kinds, and a behaviour that says exactly how likely each customer is to buy with and without each coupon.
"""

from couponry.instances.world.world import World

__all__ = ["World"]
