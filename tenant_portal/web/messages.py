from flask import Blueprint
screen = Blueprint("messages", __name__)
@screen.get("/message")
def message():
    return ""
