"""What a training set has to be like: checked by Great Expectations before anything is trained."""
