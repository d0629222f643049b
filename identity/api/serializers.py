"""What OAuth's endpoints take and answer, for the API's description. OAuth defines the names."""

from rest_framework import serializers

from core.api.serializers import Output


class TokenRequestForm(serializers.Serializer):
    grant_type = serializers.CharField(help_text="Always `client_credentials`.")
    scope = serializers.CharField(
        required=False,
        help_text="Names of scopes, a space between two. Left out: all the client has.",
    )
    client_id = serializers.CharField(
        required=False, help_text="The client's id or key, unless sent by HTTP Basic."
    )
    client_secret = serializers.CharField(
        required=False, help_text="One of its secrets, unless sent by HTTP Basic."
    )


class RevocationForm(serializers.Serializer):
    token = serializers.CharField(help_text="The access token to take back.")
    token_type_hint = serializers.CharField(required=False, help_text="Ignored.")
    client_id = serializers.CharField(
        required=False, help_text="The client's id or key, unless sent by HTTP Basic."
    )
    client_secret = serializers.CharField(
        required=False, help_text="One of its secrets, unless sent by HTTP Basic."
    )


class TokenOut(Output):
    access_token = serializers.CharField(help_text="A JWT (RFC 9068). Treat it as opaque.")
    token_type = serializers.CharField(help_text="Always `Bearer`.")
    expires_in = serializers.IntegerField(help_text="Seconds until it expires: 900.")
    scope = serializers.CharField(help_text="What it allows, a space between two scopes.")


class OAuthErrorOut(Output):
    error = serializers.CharField(
        help_text="`invalid_request`, `invalid_client`, `unsupported_grant_type`, "
        "`invalid_scope`, `unauthorized_client` or `temporarily_unavailable`."
    )
    error_description = serializers.CharField(help_text="For people; it may change.")


class JwkOut(Output):
    kty = serializers.CharField(help_text="Always `OKP`.")
    crv = serializers.CharField(help_text="Always `Ed25519`.")
    use = serializers.CharField(help_text="Always `sig`.")
    alg = serializers.CharField(help_text="Always `EdDSA`.")
    kid = serializers.CharField(help_text="The key's name in the header of tokens.")
    x = serializers.CharField(help_text="The public key, 32 bytes in base64url.")


class JwkSetOut(Output):
    keys = JwkOut(many=True)


class ServerMetadataOut(Output):
    issuer = serializers.CharField()
    token_endpoint = serializers.CharField()
    revocation_endpoint = serializers.CharField()
    jwks_uri = serializers.CharField()
    service_documentation = serializers.CharField()
    scopes_supported = serializers.ListField(child=serializers.CharField())
    response_types_supported = serializers.ListField(child=serializers.CharField())
    grant_types_supported = serializers.ListField(child=serializers.CharField())
    token_endpoint_auth_methods_supported = serializers.ListField(child=serializers.CharField())
    revocation_endpoint_auth_methods_supported = serializers.ListField(
        child=serializers.CharField()
    )
