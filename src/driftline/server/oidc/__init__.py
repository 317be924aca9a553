"""Signing people in with OpenID Connect: by authorization code with PKCE, at the provider that the settings name."""

from __future__ import annotations

from driftline.server.oidc.provider import Provider, provider_of

__all__ = ["Provider", "provider_of"]
