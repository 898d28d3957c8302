"""API Gateway HTTP APIs that answer: routes, payload format 2.0, CORS, IAM authorization.

`routing` finds the route, `event` writes what the function receives, `response` reads what it answered,
`gateway` joins them; each can be driven without a socket.
"""
