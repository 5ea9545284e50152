"""Commands about plants: validate, draw, begin a plant file, and list or retire its machines."""
