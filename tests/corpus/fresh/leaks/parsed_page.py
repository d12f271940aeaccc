from bs4 import BeautifulSoup
PAGE = "<html><body><h1>Prices</h1>" + "<p class=row><b>Tea</b> 3</p>" * 10 + "</body></html>"
def step():
    soup = BeautifulSoup(PAGE, "html.parser")
    assert len(soup.find_all("p")) == 10
