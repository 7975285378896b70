"""Raw tables of purchases and texts to feature columns, one row a user.

``tables`` reads and checks them, ``words``, ``topics``, ``purchases`` and ``segments`` make one kind of
column each, ``profile`` puts them together, ``attach`` lays them beside a log or a table of users, and
``association`` finds which products and kinds of coupon go together.
"""
