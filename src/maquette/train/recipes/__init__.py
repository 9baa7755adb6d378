"""One file a recipe: data, training, export, evaluation and card of one network."""
