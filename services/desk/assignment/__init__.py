"""Who works on what. Automatic assignment comes later; here an agent takes, gives and puts back."""
