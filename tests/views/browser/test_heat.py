from whence.views import html


def test_a_token_says_its_score(opened, attribution_of) -> None:
    page = opened(html.render([attribution_of()]))
    token = page.locator(".whence-live .whence-pill").nth(4)
    assert token.get_attribute("aria-label") == " Tower: +6.84 logit"
    assert not page.locator(".whence-static").is_visible()
