from views.measured import profiles
from views.test_untrusted import PAYLOADS
from whence.views import html


def test_a_unit_opens_by_keyboard_and_its_token_is_framed(opened) -> None:
    page = opened(html.render([profiles()]), width=420, dark=True)
    units = page.locator("details.whence-unit")
    assert units.first.locator(".whence-marked").is_visible()
    assert not units.nth(1).locator(".whence-remark").is_visible()
    units.nth(1).locator("summary").focus()
    page.keyboard.press("Enter")
    assert "writes no one direction" in units.nth(1).locator(".whence-remark").inner_text()


def test_hostile_tokens_do_nothing(opened) -> None:
    page = opened(html.render([profiles(payload) for payload in PAYLOADS]))
    assert page.locator("details.whence-unit").count() == 2 * len(PAYLOADS)
