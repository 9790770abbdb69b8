"""The vendor's rules that clients never decide: products, licences, plans, prices, renewal windows. Pure."""
