"""A drawn instance in memory."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from couponry.instances.coupons import Coupons
from couponry.instances.drawn.makers import earlier_plan
from couponry.instances.drawn.recipe import Recipe
from couponry.instances.instance import Instance
from couponry.instances.response import Response
from couponry.instances.rules import Keep, Rule
from couponry.instances.users import Users

__all__ = ["draw_recipe"]


def draw_recipe(recipe: Recipe) -> Instance:
    """Return what a recipe draws; the same as :func:`couponry.instances.drawn.write.write_recipe` writes."""
    plan = recipe.attained()
    blocks, earlier = [], []
    for block in recipe.drawn():
        plan.add(block.plan, block.codes)
        blocks.append((block.users.table, block.response))
        if recipe.keep:
            names = list(recipe.menu.table["coupon_id"])
            earlier.append(earlier_plan(block.plan, block.users.ids, names))
    rules: tuple[Rule, ...] = recipe.rules(plan)
    if recipe.keep:
        rules = (*rules, Keep(plan=pa.concat_tables(earlier), share=recipe.keep))
    return Instance(
        Coupons(recipe.stocked_menu(plan)),
        Users(pa.concat_tables([table for table, _ in blocks]).combine_chunks()),
        _joined([response for _, response in blocks]),
        rules,
        recipe.campaign,
    )


def _joined(blocks: list[Response]) -> Response:
    measures = {
        name: np.concatenate([block.measures[name] for block in blocks]) for name in blocks[0].measures
    }
    lists = [block.coupon for block in blocks if block.coupon is not None]
    return Response(measures, np.concatenate(lists) if lists else None)
