"""What was trained and what is in service: runs, model versions, aliases and model packages.

Everything is kept through the ports ``Documents`` (small, conditional) and ``Blobs`` (files). Keys,
in the experiments table:

    RUN#<run_id>      RUN                       the run
    RUNS#<model>      <started_at>#<run_id>     the same run, for listing by model
    MODEL#<model>     VERSION#<00000007>        a model version
    MODEL#<model>     ALIAS#<name>              where an alias points, and where it pointed before
    MODELS            <model>                   the names of models that have versions

and in the models bucket ``packages/<model>/<digest>/<file>``.
"""
