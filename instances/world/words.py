"""The names that a world is made of: segments, categories of goods, channels, slots, phrases of reviews."""

from __future__ import annotations

__all__ = [
    "ACTIONS",
    "AGE_BANDS",
    "ALL_GOODS",
    "CATEGORIES",
    "CATEGORY_PHRASES",
    "CHANNELS",
    "CONTACT_PHRASES",
    "DEVICES",
    "PRICE_PHRASES",
    "REGIONS",
    "SLOTS",
    "SLOT_HOURS",
    "TIERS",
]

REGIONS = ("north", "east", "south", "west", "central")
AGE_BANDS = ("18-24", "25-34", "35-44", "45-54", "55+")
TIERS = ("bronze", "silver", "gold", "platinum")
DEVICES = ("android", "ios", "web")
CHANNELS = ("app", "push", "sms", "email")
SLOTS = ("morning", "noon", "evening")
SLOT_HOURS = (9.0, 13.0, 20.0)
ACTIONS = ("view", "search", "cart")

CATEGORIES = ("grocery", "beauty", "apparel", "home", "electronics", "baby")
ALL_GOODS = "all"

CATEGORY_PHRASES: dict[str, tuple[str, ...]] = {
    "grocery": (
        "the cherries came fresh and cold",
        "good olive oil, ordered it again",
        "weekly fruit and milk, nothing missing",
        "the noodles and the soy sauce are what we always take",
        "rice was well packed",
    ),
    "beauty": (
        "the lipstick is exactly the shade in the photo",
        "my skin likes this serum",
        "sunscreen is light and does not stick",
        "the face mask smells of roses",
        "a second bottle of the same perfume",
    ),
    "apparel": (
        "the jacket fits, sleeves a little long",
        "soft cotton shirt and the colour lasts",
        "these sneakers are as light as they say",
        "dress looks better than in the picture",
        "warm socks for the winter",
    ),
    "home": (
        "the lamp makes the room quiet",
        "pan heats evenly and cleans easily",
        "bedding is smooth and does not pill",
        "the shelf was built in half an hour",
        "towels dry fast",
    ),
    "electronics": (
        "headphones hold a whole day",
        "charger is quick and stays cool",
        "the keyboard feels solid",
        "tablet screen is sharp",
        "router reaches the back room",
    ),
    "baby": (
        "diapers do not leak at night",
        "the stroller folds with one hand",
        "formula arrived well within its date",
        "my daughter sleeps with this toy",
        "baby wipes without perfume, finally",
    ),
}

# From those who hardly look at prices to those who wait for every sale.
PRICE_PHRASES: tuple[tuple[str, ...], ...] = (
    (
        "quality comes first for me",
        "worth every yuan",
        "I never look at the price here",
        "happy to pay for good service",
    ),
    ("fair price", "price is fine", "about what I expected to pay", "ok for the money"),
    (
        "a bit dear, will wait for the sale",
        "only bought it with a coupon",
        "cheaper elsewhere without a discount",
        "got it at half price, great bargain",
    ),
)

# From those who like to hear from the shop to those who do not.
CONTACT_PHRASES: tuple[tuple[str, ...], ...] = (
    ("thanks for the reminder", "the tips in the app are useful", "nice to be told about offers"),
    ("delivery on time", "parcel was intact", "arrived the next day"),
    (
        "please stop sending so many messages",
        "too many notifications",
        "I muted the shop, too much advertising",
    ),
)
