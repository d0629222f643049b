from django.urls import path

from changes.api import views

urlpatterns = [
    path("change-sets", views.ChangeSets.as_view()),
    path("change-sets/<str:change_set>", views.OneChangeSet.as_view()),
    path("change-sets/<str:change_set>/items", views.Items.as_view()),
    path("change-sets/<str:change_set>/approve", views.Approve.as_view()),
    path("change-sets/<str:change_set>/apply", views.Apply.as_view()),
    path("change-sets/<str:change_set>/pause", views.Pause.as_view()),
    path("change-sets/<str:change_set>/stop", views.Stop.as_view()),
    path("change-sets/<str:change_set>/discard", views.Discard.as_view()),
    path("change-sets/<str:change_set>/undo", views.Undo.as_view()),
]
