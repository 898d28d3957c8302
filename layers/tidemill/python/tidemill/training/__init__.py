"""Training: one module per step of the training state machine.

    pin → training_set → candidates (train, in a Map) → select → train again on more rows
        → evaluate → gates → register → promote            any failure → failure

Each step is a function of inputs named by digest to outputs named by digest, so repeating one writes
the same bytes to the same place. This package imports nothing itself: the steps that read tables need
Arrow and must not pull in scikit-learn, and the steps that train need scikit-learn and no Arrow.
"""
