from flask import Blueprint
screen = Blueprint("help", __name__)
