"""What a person can choose: options, recipes, and the stages that follow from them."""
