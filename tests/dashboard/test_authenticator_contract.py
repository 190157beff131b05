"""What dashboard.authentication touches inside streamlit-authenticator 0.4.2."""

from __future__ import annotations

import inspect
from importlib.metadata import version

import streamlit_authenticator
from streamlit_authenticator.controllers import AuthenticationController, CookieController
from streamlit_authenticator.models import AuthenticationModel, CookieModel
from streamlit_authenticator.utilities import Hasher, LoginError
from streamlit_authenticator.views import authentication_view

from dashboard import authentication, session_tokens
from dashboard.session_tokens import Pointer
from db.passwords import check_password, hash_password
from tests.dashboard.conftest import PASSWORD
from tests.faults import fault

SOURCE = inspect.getsource(streamlit_authenticator.Authenticate.login)


def test_the_version_is_the_one_that_was_read():
    assert version("streamlit-authenticator") == "0.4.2"


def test_the_view_reaches_only_the_parts_that_we_set():
    used = {
        name.partition("(")[0].partition(".")[0].strip()
        for name in SOURCE.split("self.")[1:]
        for name in [name.split()[0].rstrip(":),")]
    }
    ours = vars(authentication._Form())
    assert used <= {*ours, "attrs"}, used - set(ours)


def test_the_view_calls_login_of_the_controller_and_then_sets_the_cookie():
    before, after = SOURCE.split("self.authentication_controller.login(username, password")
    assert "self.cookie_controller.get_cookie()" in before
    assert "self.cookie_controller.set_cookie()" in after


def test_the_view_keeps_its_state_under_the_names_that_we_clear():
    assert "st.session_state.get('authentication_status')" in SOURCE
    assert "self.attrs.get('login_sleep_time'" in SOURCE
    assert authentication._Form().attrs == {"login_sleep_time": 0}


def test_the_controller_hands_on_to_the_model_as_ours_expects():
    source = inspect.getsource(AuthenticationController.login)
    assert "self.authentication_model.login(username, password, max_concurrent_users" in source
    names = list(inspect.signature(AuthenticationModel.login).parameters)
    assert names[:3] == ["self", "username", "password"]


def test_the_cookie_controller_asks_its_model_and_nothing_else():
    for name in ("get_cookie", "set_cookie", "delete_cookie"):
        assert f"self.cookie_model.{name}()" in inspect.getsource(getattr(CookieController, name))
    assert {"get_cookie", "set_cookie", "delete_cookie"} <= set(vars(CookieModel))


def test_its_constructor_would_mount_the_script_readable_cookie_which_is_why_ours_does_not_call_it():
    assert "CookieManager" in inspect.getsource(CookieModel.__init__)
    assert "cookie_manager" not in vars(authentication._Cookie())


def test_a_refused_login_is_an_exception_with_our_words():
    assert str(LoginError("our words")) == "our words"
    assert "LoginError" in dir(authentication)


def test_its_hasher_and_ours_read_each_others_hashes():
    assert Hasher.check_pw(PASSWORD, hash_password(PASSWORD))
    assert check_password(PASSWORD, Hasher.hash(PASSWORD))
    assert Hasher.is_hash(hash_password(PASSWORD))


def test_nothing_else_of_the_dashboard_imports_it():
    assert authentication_view is not None
    from pathlib import Path

    files = Path(authentication.__file__).parent.rglob("*.py")
    users = {file.name for file in files if "streamlit_authenticator" in file.read_text("utf-8")}
    # asgi.py only loads it early.
    assert users == {"authentication.py", "asgi.py"}


@fault("S4")
def test_a_token_is_read_back_and_a_forged_one_is_not(world):
    import jwt

    good = session_tokens.sign(Pointer("ann", "sid"), world.now.replace(year=2100))
    assert session_tokens.read_token(good) == Pointer("ann", "sid")
    claims = {"username": "ann", "sid": "sid", "exp": 4_000_000_000}
    assert session_tokens.read_token(jwt.encode(claims, "k" * 32, "HS256")) is None
    assert session_tokens.read_token(jwt.encode(claims, "", "none")) is None
    assert session_tokens.read_token(good[:-2]) is None
    assert session_tokens.read_token("") is None


def test_an_expired_token_is_not_read(world):
    old = session_tokens.sign(Pointer("ann", "sid"), world.now.replace(year=2000))
    assert session_tokens.read_token(old) is None
